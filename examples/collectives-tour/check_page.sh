#!/usr/bin/env bash
# check_page.sh PAGE LANGUAGE SOURCE: every example of the page in that language (cpp, c) stands in the
# source, line by line, whatever its indentation.
set -euo pipefail
page=$1 language=$2 source=$3
program=$(sed 's/^ *//' "$source")
failed=0 blocks=0 block=
inside=false
while IFS= read -r line; do
  if ! $inside; then
    [ "$line" = "\`\`\`$language" ] && { inside=true; block=; blocks=$((blocks + 1)); }
    continue
  fi
  if [ "$line" = '```' ]; then
    inside=false
    [[ $'\n'"$program"$'\n' == *$'\n'"$block"* ]] || {
      printf '%s: example %d is not in %s:\n%s' "$page" "$blocks" "$source" "$block" >&2
      failed=1
    }
    continue
  fi
  block+=$(sed 's/^ *//' <<<"$line")$'\n'
done <"$page"
[ "$blocks" -gt 0 ] || { echo "$page has no examples in $language" >&2; failed=1; }
exit $failed
