#!/usr/bin/env bash
# Builds the files of a release into dist/: packaging/build.sh VERSION [TARGET...]
#
#   packaging/build.sh 0.1.0                  every target
#   packaging/build.sh 0.1.0 linux/amd64      one: its archive, packages, bill, checksums
#
# Two builds of one commit with one release of Go are the same, byte for byte, wherever
# and whenever they run. It needs Go, git and gzip, and no network once Go's cache has
# the modules.
#
#   DIST               where the files go; dist
#   COMMIT             the commit; else git says it
#   SOURCE_DATE_EPOCH  the time of all files, in seconds since 1970; else the commit's
#   FORMATS            packages to build; "deb rpm apk"
#   NFPM               the program nfpm; else it is built
set -euo pipefail
cd "$(dirname "$0")/.."
umask 022
export LC_ALL=C TZ=UTC CGO_ENABLED=0 GOFLAGS=-mod=readonly GOTOOLCHAIN=${GOTOOLCHAIN:-local}
unset GOAMD64 GOARM64 GOEXPERIMENT

readonly nfpm_module=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4
targets=(linux/amd64 linux/arm64 linux/armv7 darwin/amd64 darwin/arm64 windows/amd64)

version=${1:-}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || { echo "usage: packaging/build.sh VERSION [TARGET...], such as 0.1.0" >&2; exit 2; }
shift
for target; do
  [[ " ${targets[*]} " == *" $target "* ]] || { echo "there is no target $target, only ${targets[*]}" >&2; exit 2; }
done
[ $# = 0 ] || targets=("$@")

commit=${COMMIT:-$(git rev-parse HEAD)} || { echo "no git here: name the commit in COMMIT" >&2; exit 2; }
commit=${commit:0:12}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git show -s --format=%ct HEAD)} || { echo "no git here: name the commit's time in SOURCE_DATE_EPOCH" >&2; exit 2; }
day=$(date -u -d "@$SOURCE_DATE_EPOCH" +%F 2>/dev/null || date -u -r "$SOURCE_DATE_EPOCH" +%F)
if [ -z "${COMMIT:-}" ] && ! git diff --quiet HEAD 2>/dev/null; then
  echo "WARNING: files differ from commit $commit: nobody else can build this again" >&2
fi

dist=${DIST:-dist}
mkdir -p "$dist"
dist=$(cd "$dist" && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
rm -rf "$dist"/ttpcron_* "$dist"/SHA256SUMS "$dist/image"

build() { # build OS ARCH ARM FILE
  GOOS=$1 GOARCH=$2 GOARM=$3 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -buildid= -X main.version=$version -X main.commit=$commit" -o "$4" ./cmd/ttpcron
}

split() { # split TARGET: sets os, arch, arm
  os=${1%/*} arch=${1#*/} arm=
  if [ "$arch" = armv7 ]; then arch=arm arm=7; fi
}

binary() { echo "$stage/bin/${1/\//_}"; } # binary TARGET: where its program is

mkdir -p "$stage/bin" "$stage/doc" "$stage/debian" "$stage/man" "$stage/completions"
for target in "${targets[@]}"; do
  echo "building $target"
  split "$target"
  build "$os" "$arch" "$arm" "$(binary "$target")"
done

# Pages, completions and licences are written by the program itself, as this machine runs it.
host=$(binary "$(go env GOHOSTOS)/$(go env GOHOSTARCH)")
if [ ! -e "$host" ]; then
  host=$stage/host
  build "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "" "$host"
fi
"$host" man "$stage/man" >/dev/null
# It knows the day of its commit from git alone.
sed -i.bak "1,9s/^\(\.TH \"[^\"]*\" [0-9]\) \"\"/\1 \"${day//-/\\\\-}\"/" "$stage"/man/*.[15]
rm -f "$stage"/man/*.bak
for shell in bash zsh fish; do "$host" completion $shell >"$stage/completions/ttpcron.$shell"; done
"$host" version --licences >"$stage/doc/LICENCES.txt"

# The documents of a package.
cp packaging/copyright NOTICE README.md "$stage/doc/"
gzip -9n <CHANGELOG.md >"$stage/doc/CHANGELOG.md.gz"
printf 'ttpcron (%s) unstable; urgency=medium\n\n  * What is new is in CHANGELOG.md.gz.\n\n -- The ttpcron authors <ttpcron@users.noreply.github.com>  %s\n' \
  "${version/-/\~}" "$(date -u -R -d "@$SOURCE_DATE_EPOCH" 2>/dev/null || date -u -R -r "$SOURCE_DATE_EPOCH")" |
  gzip -9n >"$stage/debian/changelog.gz"

archive() { # archive TARGET: one folder, for a machine without a package manager
  local os=${1%/*} name=ttpcron_${version}_${1/\//_} dir kind=tar.gz program=ttpcron
  [ "$os" != windows ] || { kind=zip program=ttpcron.exe; }
  dir=$stage/archive/$name
  mkdir -p "$dir"
  install -m 755 "$(binary "$1")" "$dir/$program"
  cp -R LICENSE NOTICE README.md CHANGELOG.md "$stage/doc/LICENCES.txt" packaging/ttpcron.toml "$dir/"
  case $os in
  linux | darwin) cp -R "$stage/man" "$stage/completions" "$dir/" ;;
  esac
  if [ "$os" = linux ]; then
    mkdir -p "$dir/openrc" && cp -R systemd "$dir/" && cp packaging/openrc/ttpcron "$dir/openrc/"
  fi
  "$stage/archiver" -time "$SOURCE_DATE_EPOCH" "$dir" "$dist/$name.$kind"
}

packages() { # packages TARGET: what nfpm.yaml says, for each package manager
  local format debian pid pids=()
  case $1 in
  linux/amd64) NFPM_ARCH=amd64 debian=amd64 ;;
  linux/arm64) NFPM_ARCH=arm64 debian=arm64 ;;
  linux/armv7) NFPM_ARCH=arm7 debian=armhf ;;
  *) return 0 ;;
  esac
  rm -rf "$stage/package"
  mkdir -p "$stage/package/man"
  cp "$(binary "$1")" "$stage/package/ttpcron"
  cp -R "$stage/doc" "$stage/debian" "$stage/completions" "$stage/package/"
  cp "$stage"/man/* "$stage/package/man/"
  gzip -9n "$stage"/package/man/*
  # An .apk holds the times that its scripts have on disk.
  cp -R packaging/scripts "$stage/package/"
  touch -t "$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M.%S)" "$stage"/package/scripts/*
  sed "s#@STAGE@#$stage/package#g; s#@ARCH@#$NFPM_ARCH#g; s#@VERSION@#$version#g" packaging/nfpm.yaml >"$stage/nfpm.yaml"
  # Side by side: compression takes most of the time.
  for format in ${FORMATS-deb rpm apk}; do
    "$nfpm" package --config "$stage/nfpm.yaml" --packager "$format" --target "$dist/ttpcron_${version}_$debian.$format" >"$stage/$format.log" 2>&1 &
    pids[$!]=$format
  done
  for pid in "${!pids[@]}"; do
    wait "$pid" || { cat "$stage/${pids[$pid]}.log" >&2; return 1; }
  done
}

# What the container image is built from: packaging/Dockerfile.
image() { # image TARGET
  case $1 in
  linux/*) mkdir -p "$dist/image/${1/\//_}" "$dist/image/state" && install -m 755 "$(binary "$1")" "$dist/image/${1/\//_}/ttpcron" ;;
  esac
}

go build -o "$stage/archiver" packaging/archive.go
nfpm=${NFPM:-$stage/nfpm}
if [ -n "${FORMATS-deb rpm apk}" ] && [ ! -x "$nfpm" ]; then GOBIN=$stage go install "$nfpm_module"; nfpm=$stage/nfpm; fi
for target in "${targets[@]}"; do
  echo "packing $target"
  archive "$target"
  packages "$target"
  image "$target"
done
# What is linked is the same for all of linux; each program says it itself, too: go version -m.
go run packaging/sbom.go -version "$version" "$(binary "${targets[0]}")" >"$dist/ttpcron_$version.cdx.json"
cd "$dist"
sha256sum ttpcron_"$version"* >"$stage/sums"
mv "$stage/sums" SHA256SUMS
chmod 644 SHA256SUMS
ls -l
