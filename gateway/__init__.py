"""The field agent: it polls sensors, logs every reading on disk, and sends what is logged until the centre has receipted it."""
