#!/usr/bin/env bash
# The count that ./dev test and .ci/run print is only worth something if nothing that failed is missing from it.
set -euo pipefail
cd "$(dirname "$0")"

failed=0
# counts WANT WHAT: standard input is a LastTest.log.
counts() {
  local got
  got=$(./count_tests.awk)
  [[ $got == "$1" ]] || { echo "$2: want $1, got $got"; failed=1; }
}
dashes=$(printf '%079d' 0 | tr 0 -)

counts '12 0 0' 'a Catch2 suite that passed' <<'END'
1/1 Testing: unit
All tests passed (29 assertions in 12 test cases)
Test Passed.
END
counts '9 2 0' 'a Catch2 suite with failures' <<'END'
1/1 Testing: unit
test cases: 11 |  9 passed | 2 failed
assertions: 30 | 28 passed | 2 failed
Test Failed.
END
counts '10 0 2' 'test cases that skip themselves, one of them twice' <<END
1/1 Testing: unit
$dashes
a first sentence
$dashes
a.cc:1: warning:
  skipped: no shared data here

a.cc:2: warning:
  skipped: no shared data here

$dashes
a second sentence
$dashes
a.cc:9: warning:
  skipped: no shared data here

All tests passed (29 assertions in 12 test cases)
Test Passed.
END
counts '0 1 0' 'a suite that a sanitizer stopped' <<'END'
1/1 Testing: unit
==1==ERROR: AddressSanitizer: heap-use-after-free
Test Failed.
END
counts '12 1 0' 'a suite whose count is good and whose exit status is not' <<'END'
1/1 Testing: unit
All tests passed (29 assertions in 12 test cases)
==1==ERROR: LeakSanitizer: detected memory leaks
Test Failed.
END
counts '41 1 3' 'plain tests beside a suite with a line of its own' <<'END'
1/3 Testing: layers
Test Passed.
2/3 Testing: golden
39 passed, 1 failed, 3 skipped
Test Failed.
3/3 Testing: fuzz_corpus
Test Passed.
END
exit "$failed"
