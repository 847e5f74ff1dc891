#!/bin/sh
# A program that signs with gpg, tested by a shell script:
#
#   gripgate testkit --key bob --pinentry answers.json -- sh test-sign.sh

fail() {
  echo "not ok: $1"
  cat "$GRIPGATE_TESTKIT_TRANSCRIPT"
  exit 1
}

# expect_times PATTERN N: fails where the dialogue has not exactly N such lines
expect_times() {
  found=$(grep -c "$1" "$GRIPGATE_TESTKIT_TRANSCRIPT")
  [ "$found" -eq "$2" ] || fail "expected $2 lines like $1, found $found"
}

# stands for the program under test
echo "a text" | gpg --batch --clearsign >/dev/null 2>&1
code=$?

[ "$code" -eq 2 ] || fail "expected exit code 2, got $code"
expect_times '^pinentry [0-9]* > GETPIN$' 2
expect_times '^program [0-9]* > PKSIGN$' 1
echo "ok: no second try after a cancel at the second prompt"
