#!/bin/sh
# Makes the secrets of the compose file, each once: what is there stays. Needs openssl.
#
#   deploy/secrets.sh [FOLDER [NAME ...]]     NAME: a certificate for a further gateway, by its id
#
# The broker's certificate is for the names in ARYK_BROKER_NAMES, as openssl writes them ("DNS:mosquitto,DNS:broker.example").
# ca.key signs new gateways and is mounted nowhere: better keep it on another machine. To renew a certificate remove its .crt.
#
# The folder is for its owner alone. The files in it can be read by all, because a container mounts each of them by itself
# and reads it as a user of its own; only ca.key is for its owner.
set -eu

here="$(dirname "$0")"
folder="${1:-$here/secrets}"
[ $# -eq 0 ] || shift
names="${ARYK_BROKER_NAMES:-DNS:mosquitto,DNS:localhost,IP:127.0.0.1}"
umask 077
mkdir -p "$folder"

made() {
    echo "made     $1"
}

kept() {
    [ -s "$1" ] && echo "kept     $1"
}

for name in influxdb_token influxdb_password grafana_password; do
    file="$folder/$name"
    kept "$file" && continue
    head -c 32 /dev/urandom | base64 | tr -d '+/=\n' > "$file"
    chmod 0444 "$file"
    made "$file"
done

key() {
    [ -s "$1" ] || openssl ecparam -name prime256v1 -genkey -noout -out "$1"
}

if ! kept "$folder/ca.crt"; then
    key "$folder/ca.key"
    openssl req -x509 -new -sha256 -key "$folder/ca.key" -days 3650 -subj "/CN=Aryk CA" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" -out "$folder/ca.crt"
    chmod 0444 "$folder/ca.crt"
    made "$folder/ca.crt"
fi

# certificate NAME EXTENSIONS: the common name is who it is; the broker takes it as the user's name.
certificate() {
    file="$folder/$1"
    kept "$file.crt" && return
    key "$file.key"
    openssl req -new -sha256 -key "$file.key" -subj "/CN=$1" -out "$file.csr"
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n%s\n' "$2" > "$file.ext"
    openssl x509 -req -sha256 -in "$file.csr" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
        -days 730 -extfile "$file.ext" -out "$file.crt" 2> "$file.err" || { cat "$file.err" >&2; exit 1; }
    rm -f "$file.csr" "$file.ext" "$file.err"
    chmod 0444 "$file.crt" "$file.key"
    made "$file.crt"
}

certificate mosquitto "extendedKeyUsage=serverAuth
subjectAltName=$names"
for gateway in "$here"/gateways/*.toml; do
    set -- "$@" "$(basename "$gateway" .toml)"
done
for client in ingest health "$@"; do
    certificate "$client" "extendedKeyUsage=clientAuth"
done
