"""The MQTT contract: topics, messages, codecs, quality flags. Pure: no I/O, no clock, no randomness."""
