// Which threads come before others of this host. Threads that one makes have the same.
#pragma once

namespace detectd {

// The calling thread comes before ordinary programs, and need not wait for the end of their turn once it has something
// to do (Linux 6.12; before, as nice values have it). No real time: who works through a long storm would keep the host
// from everything else.
void hurry_this_thread();

// As an ordinary program again.
void let_others_first();

}  // namespace detectd
