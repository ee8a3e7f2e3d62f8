#!/usr/bin/env bash
# Tries .pre-commit-hooks.yaml with the real pre-commit: a broken spec fails, is mended by shapelint-fix, and passes;
# a commit that changes only the contract checks the models that it names.
#
# usage: tools/try_pre_commit.sh [FOLDER]    (a temporary folder by default; needs git, pre-commit and a package index)
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-$(mktemp -d)}
mkdir -p "$work"
export PRE_COMMIT_HOME=$work/cache
export GIT_CONFIG_GLOBAL=$work/gitconfig GIT_CONFIG_NOSYSTEM=1
git config --file "$work/gitconfig" user.name shapelint
git config --file "$work/gitconfig" user.email shapelint@localhost
git config --file "$work/gitconfig" init.defaultBranch main

echo '== the hooks, as a repository of their own'
hooks=$work/hooks
mkdir -p "$hooks"
cp -r "$checkout"/{src,rules,pyproject.toml,README.md,LICENSE,.pre-commit-hooks.yaml} "$hooks"
find "$hooks" -name __pycache__ -prune -exec rm -r {} +
git -C "$hooks" init -q
git -C "$hooks" add -A
git -C "$hooks" commit -q -m hooks
rev=$(git -C "$hooks" rev-parse HEAD)

echo '== a project with a broken spec'
project=$work/project
mkdir -p "$project"
cd "$project"
git init -q
cat >.pre-commit-config.yaml <<YAML
repos:
  - repo: $hooks
    rev: $rev
    hooks:
      - id: shapelint-fix
      - id: shapelint
YAML
cat >net.shape.yaml <<'YAML'
shapelint: 1
inputs:
  image: [N, 3, H, W]
sizes:
  H: any
  W: any
layers:
  - enc: Conv2d(16, 3, stride=2, padding=1)  # kept as it is
  - up: Upsample(scale_factor=2)
  - join: Concat(up, image)
YAML
echo 'enabled: true' >other.yaml
git add -A

expect() {
  local wanted=$1 code=0
  shift
  "$@" >"$work/out" 2>&1 || code=$?
  sed 's/^/    /' "$work/out"
  [ "$code" = "$wanted" ] || { echo "exit code $code, not $wanted"; exit 1; }
}

echo '== shapelint alone reports it'
expect 1 pre-commit run shapelint --all-files
grep -q 'SHP201' "$work/out"
echo '== shapelint-fix mends it, and pre-commit stops for the change to be looked at'
expect 1 pre-commit run shapelint-fix --all-files
grep -q 'files were modified by this hook' "$work/out"
grep -q 'Upsample(like=image)' net.shape.yaml
grep -q '# kept as it is' net.shape.yaml
echo '== then both pass'
git add -A
expect 0 pre-commit run --all-files
git commit -q -m 'a network'

echo '== a commit that changes only the contract'
cat >net.shape.yaml <<'YAML'
shapelint: 1
inputs:
  image: [N, 3, H, W]
layers:
  - enc: Conv2d(16, 3, stride=2, padding=1)
  - up: Upsample(scale_factor=2)
  - join: Concat(up, image)
YAML
git add -A
git commit -q -m 'nothing is stated'
printf '[models."net.shape.yaml"]\nwhere = "any"\n' >shapelint.toml
git add shapelint.toml
expect 1 pre-commit run shapelint
grep -q 'SHP201' "$work/out"
printf '[models."net.shape.yaml"]\nwhere = "multiple of 2"\n' >shapelint.toml
git add shapelint.toml
expect 0 pre-commit run shapelint
echo '== all as it should be'
