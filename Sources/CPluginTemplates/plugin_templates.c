#include "clues_plugin_templates.h"

#include <stddef.h>

/* Embedding is C23; the compiler that comes with Swift can do it in C11 too. */
#pragma clang diagnostic ignored "-Wc23-extensions"

static const clues_plugin_template templates[] = {
    {"common/README.md", (const unsigned char[]){
#embed "../../Templates/plugins/common/README.md" suffix(, 0)
    }},
    {"common/gitignore", (const unsigned char[]){
#embed "../../Templates/plugins/common/gitignore" suffix(, 0)
    }},
    {"common/plugin.mk", (const unsigned char[]){
#embed "../../Templates/plugins/common/plugin.mk" suffix(, 0)
    }},
    {"common/selftest.c", (const unsigned char[]){
#embed "../../Templates/plugins/common/selftest.c" suffix(, 0)
    }},
    {"common/expected-merge-method.txt", (const unsigned char[]){
#embed "../../Templates/plugins/common/expected-merge-method.txt" suffix(, 0)
    }},
    {"common/expected-scorer.txt", (const unsigned char[]){
#embed "../../Templates/plugins/common/expected-scorer.txt" suffix(, 0)
    }},
    {"common/expected-threshold-rule.txt", (const unsigned char[]){
#embed "../../Templates/plugins/common/expected-threshold-rule.txt" suffix(, 0)
    }},
    {"common/plugin.map", (const unsigned char[]){
#embed "../../Plugins/plugin.map" suffix(, 0)
    }},
    {"common/clues_plugin.h", (const unsigned char[]){
#embed "../CluesPluginABI/include/clues_plugin.h" suffix(, 0)
    }},
    {"c/Makefile", (const unsigned char[]){
#embed "../../Templates/plugins/c/Makefile" suffix(, 0)
    }},
    {"c/notes.md", (const unsigned char[]){
#embed "../../Templates/plugins/c/notes.md" suffix(, 0)
    }},
    {"c/merge-method.c", (const unsigned char[]){
#embed "../../Templates/plugins/c/merge-method.c" suffix(, 0)
    }},
    {"c/scorer.c", (const unsigned char[]){
#embed "../../Templates/plugins/c/scorer.c" suffix(, 0)
    }},
    {"c/threshold-rule.c", (const unsigned char[]){
#embed "../../Templates/plugins/c/threshold-rule.c" suffix(, 0)
    }},
    {"cpp/Makefile", (const unsigned char[]){
#embed "../../Templates/plugins/cpp/Makefile" suffix(, 0)
    }},
    {"cpp/notes.md", (const unsigned char[]){
#embed "../../Templates/plugins/cpp/notes.md" suffix(, 0)
    }},
    {"cpp/guard.hpp", (const unsigned char[]){
#embed "../../Templates/plugins/cpp/guard.hpp" suffix(, 0)
    }},
    {"cpp/merge-method.cpp", (const unsigned char[]){
#embed "../../Templates/plugins/cpp/merge-method.cpp" suffix(, 0)
    }},
    {"cpp/scorer.cpp", (const unsigned char[]){
#embed "../../Templates/plugins/cpp/scorer.cpp" suffix(, 0)
    }},
    {"cpp/threshold-rule.cpp", (const unsigned char[]){
#embed "../../Templates/plugins/cpp/threshold-rule.cpp" suffix(, 0)
    }},
    {"rust/Makefile", (const unsigned char[]){
#embed "../../Templates/plugins/rust/Makefile" suffix(, 0)
    }},
    {"rust/notes.md", (const unsigned char[]){
#embed "../../Templates/plugins/rust/notes.md" suffix(, 0)
    }},
    {"rust/clues.rs", (const unsigned char[]){
#embed "../../Templates/plugins/rust/clues.rs" suffix(, 0)
    }},
    {"rust/merge-method.rs", (const unsigned char[]){
#embed "../../Templates/plugins/rust/merge-method.rs" suffix(, 0)
    }},
    {"rust/scorer.rs", (const unsigned char[]){
#embed "../../Templates/plugins/rust/scorer.rs" suffix(, 0)
    }},
    {"rust/threshold-rule.rs", (const unsigned char[]){
#embed "../../Templates/plugins/rust/threshold-rule.rs" suffix(, 0)
    }},
    {"swift/Makefile", (const unsigned char[]){
#embed "../../Templates/plugins/swift/Makefile" suffix(, 0)
    }},
    {"swift/notes.md", (const unsigned char[]){
#embed "../../Templates/plugins/swift/notes.md" suffix(, 0)
    }},
    {"swift/Package.swift", (const unsigned char[]){
#embed "../../Templates/plugins/swift/Package.swift" suffix(, 0)
    }},
    {"swift/merge-method.swift", (const unsigned char[]){
#embed "../../Templates/plugins/swift/merge-method.swift" suffix(, 0)
    }},
    {"swift/scorer.swift", (const unsigned char[]){
#embed "../../Templates/plugins/swift/scorer.swift" suffix(, 0)
    }},
    {"swift/threshold-rule.swift", (const unsigned char[]){
#embed "../../Templates/plugins/swift/threshold-rule.swift" suffix(, 0)
    }},
    {NULL, NULL},
};

const clues_plugin_template *clues_plugin_templates(void) { return templates; }
