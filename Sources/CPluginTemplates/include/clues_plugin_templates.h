/*
 * The files below Templates/plugins, the contract and the version script, as they were when this was compiled: the
 * executable needs no file beside it to write a plugin's project.
 */
#ifndef CLUES_PLUGIN_TEMPLATES_H
#define CLUES_PLUGIN_TEMPLATES_H

typedef struct clues_plugin_template {
  const char *path;          /* below Templates/plugins; what all languages share is in "common" */
  const unsigned char *text; /* UTF-8, ends with a zero byte */
} clues_plugin_template;

/* All of them, up to one without a path. */
const clues_plugin_template *clues_plugin_templates(void);

#endif
