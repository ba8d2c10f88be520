#!/usr/bin/env bash
# Makes a throw-away virtual environment with transformers and PyTorch and the libraries that speed them up, and runs
# speed.py in it. Nothing is installed outside the folder.
#
#   Tests/Compare/speed.sh .build/release/dure --dataset F --vocab V --workdir W [options of speed.py]
#
# The environment is W/venv; delete the folder to be rid of it.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

workdir=
words=("$@")
for index in "${!words[@]}"; do
    [[ ${words[index]} == --workdir ]] && workdir="${words[index + 1]:-}"
done
[[ -n $workdir ]] || {
    printf 'usage: %s DURE --dataset F --vocab V --workdir W [options of speed.py]\n' "$0" >&2
    exit 64
}

mkdir -p "$workdir"
environment="$(cd "$workdir" && pwd)/venv"
if [[ ! -e $environment/complete ]]; then
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet -r "$here/requirements.txt" >&2
    # Both are preloaded where they make the peer faster, and speed.py does without one that is missing.
    "$environment/bin/pip" install --quiet --no-deps intel-openmp >&2 || printf 'no libiomp5\n' >&2
    if ! ldconfig -p | grep -q 'libtcmalloc\(_minimal\)\?\.so\.4'; then
        # Unpacked, not installed: no rights are needed.
        mkdir -p "$environment/preload"
        (cd "$environment/preload" && apt-get download libtcmalloc-minimal4 >&2 && dpkg -x ./*.deb .) ||
            printf 'no libtcmalloc\n' >&2
    fi
    touch "$environment/complete"
fi
exec "$environment/bin/python" "$here/speed.py" "$@"
