#ifndef CYAML_H
#define CYAML_H

// libyaml: the event parser behind the gateway's documents.
#include <yaml.h>

#endif
