// InfluxDB's own go.mod has a `replace`, so `go install …/cmd/influxd@v2.7.12` refuses; a module of ours may require it.
// The one line below fixes the version of every other module too. There is no go.sum (1,400 lines): install.py builds in
// a copy of this folder, and the go command checks what it downloads against its public checksum database.
module aryk.invalid/influxd

go 1.23.0

require github.com/influxdata/influxdb/v2 v2.7.12
