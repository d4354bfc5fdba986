/* Loading plugins. */
#ifndef WORKER_PLUGIN_H
#define WORKER_PLUGIN_H

struct registry;

/* Loads the shared object at PATH, and adds its handlers under the source NAME. What goes wrong is told among the
 * registry's problems. -1 where none of it was taken. The object stays for the life of the process. */
int plugin_load(struct registry *registry, const char *name, const char *path);

#endif
