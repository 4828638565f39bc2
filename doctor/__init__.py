"""What `aryk doctor` asks on either side: the steps to the broker, what a broker promises, disks and clocks. docs/doctor.md."""
