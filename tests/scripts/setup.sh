#!/usr/bin/env bash
# Installs what the tests and the linter need; does nothing, fast, where it is all there.
#
#   setup.sh            both
#   setup.sh servers    PostgreSQL 15, 17 and 18, Apache Kafka, Java, kcat, sqlite3, ip, a C compiler, Chromium with fonts, axe-core,
#                       AsyncAPI's parser with Node.js, the JSON Schemas of data contracts and of OpenAPI,
#                       clients of schema registries from npm and PyPI
#   setup.sh lint       golangci-lint
#   setup.sh peers      what `make bench-peers` needs beside the servers: Kafka Connect with Debezium's connectors
#
# System packages need Debian (or a relative) and root, or sudo that does not ask. Kafka, the versions of PostgreSQL that
# the system does not have, and golangci-lint go to ${XDG_CACHE_HOME:-~/.cache}/truc, which all checkouts share. What cannot be had is said at the end and makes the script
# fail, unless ALLOW_SKIP=1: then the tests that need it are skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/truc"
missing=()

say() { echo "setup: $*" >&2; }
has() { command -v "$1" >/dev/null; }
has_postgres() {
  [[ -n "${TRUC_TEST_POSTGRES:-}" ]] || [[ -x "${TRUC_TEST_PGBIN:-}/initdb" ]] || has initdb ||
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}
has_kafka() {
  [[ -n "${TRUC_TEST_KAFKA:-}" ]] ||
    compgen -G "${TRUC_TEST_KAFKA_HOME:-$cache/kafka-$1}/libs/kafka_*.jar" >/dev/null
}

has_chromium() { [[ -x "${TRUC_TEST_CHROMIUM:-}" ]] || has chromium || has chromium-browser || has google-chrome; }
has_asyncapi() { [[ -d "${TRUC_TEST_ASYNCAPI_HOME:-$cache/asyncapi-parser-$1}/node_modules/@asyncapi/parser" ]]; }
has_openapi() { [[ -n "${TRUC_TEST_OPENAPI:-}" || -f "$cache/openapi-$1.schema.json" ]]; }
has_odcs() { [[ -n "${TRUC_TEST_ODCS:-}" || -f "$cache/odcs-$1.schema.json" ]]; }
has_axe() { [[ -n "${TRUC_TEST_AXE:-}" || -f "$cache/axe-core-$1.jar" ]]; }
# pinned_postgres gives the full version that the POM names for a major one.
pinned_postgres() { sed -n "s:.*<postgres\.$1>\(.*\)</postgres\.$1>.*:\1:p" tests/scripts/postgres/pom.xml; }
has_postgres_version() {
  [[ -x /usr/lib/postgresql/$1/bin/initdb ]] || [[ -x "$cache/postgres-$(pinned_postgres "$1")/bin/initdb" ]]
}

as_root() {
  if [[ $EUID == 0 ]]; then env "$@"; else sudo -n env "$@"; fi
}

# apt_install asks for packages and says whether it worked; where it cannot work, it does not try.
apt_install() {
  if ! has apt-get || ! as_root true 2>/dev/null; then
    return 1
  fi
  say "installing $*"
  if [[ -z "${apt_updated:-}" ]]; then
    as_root apt-get update -qq >&2 || return 1
    apt_updated=yes
  fi
  as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# install_postgres keeps Debian from making and starting a cluster of its own: the tests run theirs.
install_postgres() {
  if ! [[ -e /etc/postgresql-common/createcluster.conf ]]; then
    apt_install postgresql-common || return 1
    as_root sed -i 's/^#\?create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  fi
  apt_install postgresql
}

# install_postgres_version unpacks a server that others built. What does not run here is thrown away like a broken download.
install_postgres_version() {
  local version machine home partial
  version="$(pinned_postgres "$1")" home="$cache/postgres-$version" partial="$cache/postgres-$version.partial"
  case "$(uname -m)" in
    x86_64) machine=amd64 ;;
    aarch64) machine=arm64v8 ;;
    *) return 1 ;;
  esac
  has mvn || apt_install maven || return 1
  has xz || apt_install xz-utils || return 1
  say "fetching PostgreSQL $version"
  rm -rf "$partial"
  mvn -B -q -f tests/scripts/postgres/pom.xml dependency:unpack-dependencies -Dpostgres="$version" -Dmachine="$machine" \
    -DoutputDirectory="$partial/jar" -DmarkersDirectory="$partial/markers" >&2 </dev/null || return 1
  mkdir "$partial/pgsql"
  tar -xJf "$partial"/jar/*.txz -C "$partial/pgsql" --no-same-owner || return 1
  "$partial/pgsql/bin/postgres" -V >&2 || return 1
  rm -rf "$home"
  mv "$partial/pgsql" "$home"
  rm -rf "$partial"
}

# install_kafka copies the jars that the POM names. A broken download leaves nothing behind that looks complete.
install_kafka() {
  local home="$cache/kafka-$1" partial="$cache/kafka-$1.partial"
  has mvn || apt_install maven || return 1
  say "fetching Apache Kafka $1"
  rm -rf "$partial"
  mvn -B -q -f tests/scripts/kafka/pom.xml dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$partial/libs" >&2 </dev/null || return 1
  rm -rf "$home"
  mv "$partial" "$home"
}

# install_axe copies one jar and nothing that it would like to have beside it.
install_axe() {
  local partial="$cache/axe-core-$1.partial"
  has mvn || apt_install maven || return 1
  say "fetching axe-core $1"
  rm -rf "$partial"
  mvn -B -q -f tests/scripts/browser/pom.xml dependency:copy-dependencies \
    -DexcludeTransitive=true -DoutputDirectory="$partial" >&2 </dev/null || return 1
  mv "$partial"/*.jar "$cache/axe-core-$1.jar"
  rm -rf "$partial"
}

# install_asyncapi lets npm fetch what the lock file names, by its sums, and runs nothing of it.
install_asyncapi() {
  local home="$cache/asyncapi-parser-$1" partial="$cache/asyncapi-parser-$1.partial"
  has npm || apt_install nodejs npm || return 1
  say "fetching AsyncAPI's parser $1"
  rm -rf "$partial"
  mkdir "$partial"
  cp tests/scripts/asyncapi/package.json tests/scripts/asyncapi/package-lock.json "$partial" &&
    npm ci --prefix "$partial" --ignore-scripts --no-audit --no-fund --silent >&2 </dev/null || return 1
  rm -rf "$home"
  mv "$partial" "$home"
}

# install_odcs takes one file out of a package.
install_odcs() {
  local partial="$cache/odcs-$1.partial"
  python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip || return 1
  say "fetching the JSON Schema of data contracts $1"
  rm -rf "$partial"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes -r tests/scripts/odcs/requirements.txt --dest "$partial" >&2 </dev/null &&
    python3 -m zipfile -e "$partial"/*.whl "$partial" &&
    mv "$partial/open_data_contract_standard/schema.json" "$cache/odcs-$1.schema.json" || return 1
}

# install_openapi takes one file out of a package.
install_openapi() {
  local partial="$cache/openapi-$1.partial"
  python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip || return 1
  say "fetching the JSON Schema of OpenAPI 3.1 ($1)"
  rm -rf "$partial"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes -r tests/scripts/openapi/requirements.txt --dest "$partial" >&2 </dev/null &&
    python3 -m zipfile -e "$partial"/*.whl "$partial" &&
    mv "$partial/openapi_spec_validator/resources/schemas/v3.1/schema.json" "$cache/openapi-$1.schema.json" || return 1
  rm -rf "$partial"
}

# registry_clients is where the clients of other registries are that ours is tested with, by what their lock files say.
registry_clients() { echo "$cache/registry-clients-$(cat tests/clients/js/package-lock.json tests/clients/python/requirements.txt | sha256sum | cut -c1-12)"; }
has_registry_clients() { [[ -d "$1/js/node_modules" && -x "$1/python/bin/python" ]]; }
# install_registry_clients takes exactly what the lock files name, and runs none of the packages' own scripts.
install_registry_clients() {
  local home="$1" partial="$1.partial"
  { has node && has npm; } || apt_install nodejs npm || return 1
  has python3 && python3 -c 'import ensurepip' 2>/dev/null || apt_install python3 python3-venv || return 1
  say "fetching clients of schema registries from npm and PyPI"
  rm -rf "$partial" "$home"
  mkdir -p "$partial/js"
  cp tests/clients/js/package.json tests/clients/js/package-lock.json "$partial/js"
  npm ci --prefix "$partial/js" --ignore-scripts --no-audit --no-fund --loglevel=error >&2 </dev/null || return 1
  # A virtual environment knows its own path: it is made where it stays.
  mkdir -p "$home"
  python3 -m venv "$home/python" && "$home/python/bin/pip" install -q --disable-pip-version-check --no-deps -r tests/clients/python/requirements.txt >&2 </dev/null || {
    rm -rf "$home"
    return 1
  }
  mv "$partial/js" "$home/js"
  rm -rf "$partial"
}

setup_servers() {
  has_postgres || install_postgres || say "no package postgresql: the tests run on what Maven has instead"
  # Somebody who chose a server has chosen a version.
  if [[ -z "${TRUC_TEST_POSTGRES:-}${TRUC_TEST_PGBIN:-}" ]]; then
    local major
    for major in 15 17 18; do
      has_postgres_version $major || install_postgres_version $major || missing+=("PostgreSQL $major: Maven and a network for tests/scripts/postgres/pom.xml, or package postgresql-$major")
    done
  fi
  local tool package
  for tool in kcat sqlite3 ip:iproute2 gcc:gcc,libc6-dev; do # the race detector needs a C compiler
    package="${tool#*:}" tool="${tool%%:*}"
    has "$tool" || apt_install ${package//,/ } || missing+=("$tool: package ${package//,/ }")
  done
  if [[ -z "${TRUC_TEST_KAFKA:-}" ]]; then
    has java || apt_install default-jre-headless || missing+=("Java 17 or later: package default-jre-headless")
  fi
  local kafka
  kafka="$(sed -n '/kafka_2.13/,/version/ s:.*<version>\(.*\)</version>.*:\1:p' tests/scripts/kafka/pom.xml)"
  has_kafka "$kafka" || install_kafka "$kafka" ||
    missing+=("Apache Kafka $kafka: Maven and a network for tests/scripts/kafka/pom.xml, or TRUC_TEST_KAFKA_HOME=<directory with libs/*.jar>")
  has_chromium || apt_install chromium fonts-dejavu-core || missing+=("Chromium: package chromium, or TRUC_TEST_CHROMIUM=<its program>")
  local clients
  clients="$(registry_clients)"
  has_registry_clients "$clients" || install_registry_clients "$clients" ||
    missing+=("clients of schema registries: Node.js 20 or later with npm, Python 3.9 or later with venv, and a network for tests/clients")
  local axe
  axe="$(sed -n '/axe-core/,/version/ s:.*<version>\(.*\)</version>.*:\1:p' tests/scripts/browser/pom.xml)"
  has_axe "$axe" || install_axe "$axe" || missing+=("axe-core $axe: Maven and a network for tests/scripts/browser/pom.xml, or TRUC_TEST_AXE=<axe.min.js>")
  local asyncapi odcs openapi
  asyncapi="$(sed -n 's:.*"@asyncapi/parser"\: "\(.*\)".*:\1:p' tests/scripts/asyncapi/package.json)"
  has_asyncapi "$asyncapi" || install_asyncapi "$asyncapi" || missing+=("AsyncAPI's parser $asyncapi: Node.js 20 or later with npm, and a network for tests/scripts/asyncapi/package.json, or TRUC_TEST_ASYNCAPI_HOME=<directory with node_modules>")
  odcs="$(sed -n 's:^open-data-contract-standard==\([^ ]*\) .*:\1:p' tests/scripts/odcs/requirements.txt)"
  has_odcs "$odcs" || install_odcs "$odcs" || missing+=("the JSON Schema of data contracts $odcs: pip and a network for tests/scripts/odcs/requirements.txt, or TRUC_TEST_ODCS=<its file>")
  openapi="$(sed -n 's:^openapi-spec-validator==\([^ ]*\) .*:\1:p' tests/scripts/openapi/requirements.txt)"
  has_openapi "$openapi" || install_openapi "$openapi" || missing+=("the JSON Schema of OpenAPI 3.1 ($openapi): pip and a network for tests/scripts/openapi/requirements.txt, or TRUC_TEST_OPENAPI=<its file>")
}

# install_peers copies the jars of the worker and unpacks the connectors. -C: a download that fails its checksum is none.
# The archives of the connectors have checksums here, -c.
install_peers() {
  local home="$1" partial="$1.partial" sums="$PWD/tests/scripts/connect/archives.sha256" archive
  has mvn || apt_install maven || return 1
  say "fetching Kafka Connect and Debezium, about 100 MB"
  rm -rf "$partial"
  mvn -B -q -C -f tests/scripts/connect/pom.xml dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$partial/libs" >&2 </dev/null || return 1
  mvn -B -q -c -P connectors -f tests/scripts/connect/pom.xml dependency:copy-dependencies \
    -DincludeTypes=tar.gz -DoutputDirectory="$partial/archives" >&2 </dev/null || return 1
  (cd "$partial/archives" && sha256sum --check --strict --quiet "$sums" >&2) || return 1
  mkdir "$partial/plugins"
  for archive in "$partial"/archives/*.tar.gz; do
    tar -xzf "$archive" --no-same-owner -C "$partial/plugins" || return 1
  done
  rm -rf "$home" "$partial/archives"
  mv "$partial" "$home"
}

setup_peers() {
  local version home
  version() { sed -n "s:.*<$1>\(.*\)</$1>.*:\1:p" tests/scripts/connect/pom.xml; }
  home="$cache/connect-$(version kafka)-debezium-$(version debezium)-$(version debezium.jdbc)"
  [[ -n "${TRUC_TEST_CONNECT_HOME:-}" ]] || [[ -d "$home/plugins" ]] || install_peers "$home" ||
    missing+=("Kafka Connect and Debezium: Maven and a network for tests/scripts/connect/pom.xml, or TRUC_TEST_CONNECT_HOME=<directory with libs/*.jar and plugins/>")
}

setup_lint() {
  local linter
  linter="$(tests/scripts/golangci-lint.sh --path)"
  [[ -x "$linter" ]] && return
  say "building golangci-lint, minutes the first time"
  (cd tools && go build -o "$linter.partial" github.com/golangci/golangci-lint/v2/cmd/golangci-lint) &&
    mv "$linter.partial" "$linter" ||
    missing+=("golangci-lint: a network for the modules of tools/go.mod")
}

mkdir -p "$cache"
# One at a time: several checkouts share the cache.
exec 9>"$cache/setup.lock"
if has flock; then flock 9; fi

case "${1:-all}" in
  servers) setup_servers ;;
  lint) setup_lint ;;
  peers)
    setup_servers
    setup_peers
    ;;
  all)
    setup_servers
    setup_lint
    ;;
  *)
    echo "usage: setup.sh [servers|lint|peers]" >&2
    exit 2
    ;;
esac

if ((${#missing[@]})); then
  for what in "${missing[@]}"; do say "left out: $what"; done
  if ! has apt-get; then
    say "packages are named as in Debian, and there is no apt-get here: install their like"
  elif ! as_root true 2>/dev/null; then
    say "packages need root: run this as root, or with sudo that does not ask"
  fi
  if [[ "${ALLOW_SKIP:-}" != 1 ]]; then
    say "ALLOW_SKIP=1 goes on without"
    exit 1
  fi
fi
