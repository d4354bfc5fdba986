/* A plugin of another version of the interface, for the test that it is refused. */
#include <taskd-plugin.h>

__attribute__((visibility("default"))) const struct taskd_plugin taskd_plugin = { .abi = TASKD_PLUGIN_ABI + 1 };
