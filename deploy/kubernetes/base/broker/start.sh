#!/bin/sh
# Starts one node of the broker: pod broker-0 is node 1, and so on.
#
# Node 1 founds the cluster when it finds none, and so must not start while it is merely cut off from the others. Kubernetes'
# DNS has a name for each pod that exists, ready or not. So it waits, for each other node, until that node
#   tells of a leader               it is joined, or
#   has no name                     its pod does not exist, or
#   refuses the connection          its pod is there and no broker runs in it.
# A node that does not answer at all may have a leader that we cannot see. The others never found one (leader_id).
set -eu

ordinal="${HOSTNAME##*-}"
peers="${ARYK_PEERS:?the other nodes, as name:port of their health page}"
self="${ARYK_SELF:?this node, as name:port of its health page}"

ask() { # what this node's health page says, or nc of it; nothing when it does not answer within three seconds
    printf 'GET /api/v1/health/check HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n\r\n' |
        timeout 3 nc "${1%:*}" "${1##*:}" 2>&1 || true
}

allows() { # whether this node's answer lets us start
    case "$(ask "$1")" in
        *'"leader_id":'[1-9]*) return 0 ;;
        *'bad address'* | *'refused'*) return 0 ;;
        *) return 1 ;;
    esac
}

if [ "$ordinal" = 0 ]; then
    # Without DNS nobody has a name, and that says nothing.
    until case "$(ask "$self")" in *'bad address'*) false ;; esac do
        echo "start: no name for $self yet, waiting"
        sleep 1
    done
    for peer in $peers; do
        until allows "$peer"; do
            echo "start: $peer is there and tells of no leader, waiting"
            sleep 1
        done
    done
fi
exec "${ARYK_RMQTTD:-/app/rmqtt/rmqtt-bin/rmqttd}" --config "${ARYK_CONFIG:-/etc/rmqtt/rmqtt.toml}" --id $((ordinal + 1))
