/* The one place where arguments become a tree. It stands alone because jansson.h and json_scan.h share a name. */
#include "worker/keys.h"

#include <jansson.h>
#include <string.h>

enum keys keys_check(const char *text, size_t length)
{
	json_error_t error;
	if (!memchr(text, '{', length))
		return KEYS_UNIQUE;
	json_t *tree = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (tree) {
		json_decref(tree);
		return KEYS_UNIQUE;
	}
	enum json_error_code code = json_error_code(&error);
	return code == json_error_duplicate_key ? KEYS_DUPLICATE :
		code == json_error_out_of_memory ? KEYS_NO_MEMORY : KEYS_NOT_JSON;
}
