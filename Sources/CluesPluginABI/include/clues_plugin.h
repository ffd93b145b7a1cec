#ifndef CLUES_PLUGIN_H
#define CLUES_PLUGIN_H
#endif
