#!/bin/sh
# Runs a command; where there is no screen, on a virtual one of its own (Xvfb).
if [ -n "$DISPLAY$WAYLAND_DISPLAY" ] || [ "$(uname)" != Linux ]; then
    exec "$@"
fi
exec xvfb-run -a -s "-screen 0 1600x1000x24" "$@"
