#!/usr/bin/awk -f
# Counts test cases in ctest's LastTest.log: prints `PASSED FAILED SKIPPED`. A suite's own count is taken where it prints
# one (Catch2's summary, or a line `N passed, N failed[, N skipped]`); another test counts as one. Where ctest calls a
# suite failed and the suite knows of no failure (it crashed, or a sanitizer stopped it), that is one failure more.
# A test case that says WARN("skipped: ...") is skipped, not passed.

function number_before(word, line) {
  return match(line, "[0-9]+ " word) ? substr(line, RSTART, RLENGTH) + 0 : 0
}

/^[0-9]+\/[0-9]+ Testing: / { inside = 1; known = 0; p = f = s = 0; skips = dashes = 0; name = last = "" }
!inside { next }

/^All tests passed \(/ { p = number_before("test case", $0); f = 0; known = 1 }
/^test cases: / { p = number_before("passed", $0); f = number_before("failed", $0); known = 1 }
/^[0-9]+ passed, [0-9]+ failed/ { p = number_before("passed", $0); f = number_before("failed", $0); s = number_before("skipped", $0); known = 1 }

# Catch2 heads the output of a test case with its name between rows of dashes.
/^-+$/ && length($0) == 79 { dashes = !dashes; name_next = dashes; next }
name_next { name = $0; name_next = 0 }
/^  skipped: / && name != last { ++skips; last = name }

/^Test Passed\.$/ { finish(0) }
/^Test Failed\.$/ { finish(1) }

function finish(bad) {
  if (!known) { p = !bad; f = bad }
  if (bad && !f) f = 1
  passed += p - skips; failed += f; skipped += s + skips
  inside = 0
}
END { print passed + 0, failed + 0, skipped + 0 }
