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
peers="${ARYK_PEERS:?the other nodes, each as number@name:port of its health page}"
self="${ARYK_SELF:?this node, likewise}"

ask() { # what a node says of itself, or wget of it; nothing when it does not answer within three seconds
    # Of itself: asked for all nodes, one waits five seconds for each dead one.
    timeout 3 wget -q -O - "http://${1#*@}/api/v1/health/check/${1%%@*}" 2>&1 || true
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
