/* Which names a scope hides from its beginning, because it sets them further on. */
#ifndef MET_TEMPLATE_SYMBOLS_H
#define MET_TEMPLATE_SYMBOLS_H

#include "template/parser.h"

/* Fills the `hidden` of the body and of every scope in it. */
bool met_symbols_find_hidden(met_parser *p, const met_jbody *body, met_jhidden *hidden);

#endif
