/* Closes descriptors that are not taskd's own. To close the last copy of one may take as long as whoever made it wants:
 * a TCP socket that lingers, a file of a file system in user space; and what waits in a socket unread may be such
 * descriptors. Nobody who does something for others can wait for that: here threads do, where it could be. */
#ifndef BASE_CLOSER_H
#define BASE_CLOSER_H

/* What a client has sent. Keeps errno; from one thread. */
void closer_close(int fd);
/* A connected stream socket of the Unix domain, which a client has the other end of. */
void closer_close_socket(int fd);
/* The same of packets (SOCK_SEQPACKET), which a worker has the other end of: one may be empty, and have descriptors. */
void closer_close_packets(int fd);

#endif
