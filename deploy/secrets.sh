#!/bin/sh
# Makes the secrets of the compose file, each once: what is there stays.
#
# The folder is for its owner alone. The files in it can be read by all, because a container mounts each of them by itself
# and reads it as a user of its own.
set -eu

folder="${1:-$(dirname "$0")/secrets}"
umask 077
mkdir -p "$folder"
for name in influxdb_token influxdb_password grafana_password; do
    file="$folder/$name"
    if [ -s "$file" ]; then
        echo "kept     $file"
        continue
    fi
    head -c 32 /dev/urandom | base64 | tr -d '+/=\n' > "$file"
    chmod 0444 "$file"
    echo "made     $file"
done
