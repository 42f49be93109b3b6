/* temporary */
#include "conf.h"
int
ask_site(struct conf *c, struct row *r)
{
	(void)c;
	(void)r;
	return 0;
}
int
ask_destination(struct conf *c, struct row *r)
{
	(void)c;
	(void)r;
	return 0;
}
int
ask_schedule(struct conf *c, struct row *r)
{
	(void)c;
	(void)r;
	return 0;
}
int
ask_settings(struct conf *c, struct row *r)
{
	(void)c;
	(void)r;
	return 0;
}
