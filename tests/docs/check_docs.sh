#!/usr/bin/env bash
# Runs in the source tree. Fails if
#  - an environment variable that the code reads or sets is missing from docs/reference/environment.md,
#    or the page names one that the code does not know;
#  - a relative link in a document leads nowhere;
#  - a document names a file under src, docs, tests, scripts, examples, apps or fuzz that does not exist;
#  - a code block under "<!-- output of tests/golden/cases/NAME -->" is not part of that case's stdout;
#  - a source file has more than 600 lines.
set -uo pipefail
failed=0
complain() { echo "$*" >&2; failed=1; }

in_code=$(grep -rhoE '"FLEXMIG_[A-Z_]+"' src apps examples --include='*.cc' --include='*.h' \
            --exclude='*_test.cc' | tr -d '"' | sort -u)
in_page=$(grep -oE '^\| `[A-Z_]+`' docs/reference/environment.md | grep -oE 'FLEXMIG_[A-Z_]+' | sort -u)
while read -r name; do complain "docs/reference/environment.md: $name differs from the code"; done \
  < <(comm -3 <(echo "$in_code") <(echo "$in_page") | tr -d '\t' | grep .)

documents=$(find . -name '*.md' -not -path './build/*' -not -path './.git/*')
for document in $documents; do
  folder=$(dirname "$document")
  for link in $(grep -oE '\]\([^)#]+' "$document" | sed 's/^](//' | grep -vE '^[a-z]+:'); do
    [ -e "$folder/$link" ] || complain "$document: the link $link leads nowhere"
  done
  for path in $(grep -oE '(^|[ (`])(src|docs|tests|scripts|examples|apps|fuzz)/[A-Za-z0-9_./-]*[A-Za-z0-9_]' "$document" |
                sed -E 's/^[ (`]//'); do
    [ -e "$path" ] || complain "$document: $path does not exist"
  done
done

for document in $documents; do
  while IFS= read -r line; do
    [[ "$line" =~ ^'<!-- output of '(tests/golden/cases/[^ ]+)' -->'$ ]] || continue
    golden=${BASH_REMATCH[1]}/stdout
    block=
    IFS= read -r line  # the fence
    while IFS= read -r line && [ "$line" != '```' ]; do block+=$line$'\n'; done
    [ -e "$golden" ] && [ -n "$block" ] && [[ "$(cat "$golden"; echo x)" == *"$block"* ]] ||
      complain "$document: the output is not in $golden; copy it from there"
  done < "$document"
done

while read -r lines file; do
  [ "$file" = total ] || [ "$lines" -le 600 ] || complain "$file: $lines lines; split it"
done < <(find src apps examples tests fuzz -name '*.cc' -o -name '*.h' | xargs wc -l)

exit $failed
