/* Nothing to call: what is here runs by itself, before the libraries that the program is linked with. */
#ifndef CLUES_STARTUP_H
#define CLUES_STARTUP_H

#endif
