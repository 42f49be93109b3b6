/* Instead of msg_hide: who makes up secrets by the million cannot keep them. */
void __wrap_msg_hide(const char *);

void
__wrap_msg_hide(const char *secret)
{
	(void)secret;
}
