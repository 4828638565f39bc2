//go:build tools

// Package influxd names the program that install.py builds, so that go.mod has a reason to require it.
package influxd

import _ "github.com/influxdata/influxdb/v2/cmd/influxd"
