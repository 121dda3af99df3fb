/* Numbers are read and written with a point, whatever locale the caller's program has set. */
#ifndef MET_TEMPLATE_LOCALE_H
#define MET_TEMPLATE_LOCALE_H

#include <locale.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

typedef struct met_locale {
    locale_t plain;
    locale_t before;
} met_locale;

/* The "C" locale for this thread until met_locale_leave. */
static inline met_locale met_locale_enter(void)
{
    met_locale entered = {(locale_t)0, (locale_t)0};
    entered.plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (entered.plain != (locale_t)0) entered.before = uselocale(entered.plain);
    return entered;
}

static inline void met_locale_leave(met_locale entered)
{
    if (entered.plain == (locale_t)0) return;
    (void)uselocale(entered.before);
    freelocale(entered.plain);
}

#endif
