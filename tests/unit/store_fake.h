/* A store that does what a test wants: the test's own program, started a second time. It keeps what it is told in a file, and plays a
 * part that is read from a list: the first process the first word, and so on; after the last, "work". */
#ifndef TESTS_UNIT_STORE_FAKE_H
#define TESTS_UNIT_STORE_FAKE_H

/* The words; N is a number of an operation.
 *
 *   work          writes each operation down, as many at a time as have come; refuses while there is a file named `full`
 *   forgetful     the same, but does not say what the last one has written down
 *   stillborn     ends before it opens
 *   before:N      is killed when N has come, and N is not written down
 *   after:N       is killed when N is written down, and that is not told
 *   fail:N        says at N that the disk has failed
 *   open:STATUS   says that when it is opened
 *   openfull      cannot be opened while there is a file named `full`
 *   version       is of another version
 *   deaf          reads nothing after it has opened
 *   row:N         is killed after N rows
 *   found:N       is killed after N rows of an answer
 *   lie:N         says something that makes no sense
 *   lieat:N       says, when operation 5 has come, something that makes no sense
 */
#define FAKE_LIES 16   /* lie:0 … */
#define FAKE_LIES_AT 6 /* lieat:0 … */

#define FAKE_TASKS 40 /* that it has of before, from 1 on; and two queues and a schedule */
#define FAKE_NEXT_ID 1000
#define FAKE_FOUND 25 /* rows of an answer */

/* What the test's main calls first; it comes back where this is the test. */
void store_fake_main(char **argv);

#endif
