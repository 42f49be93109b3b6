/* fsync in threads: see syncer.h. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "call.h"
#include "msg.h"
#include "syncer.h"

/* File systems join what several ask for at a time in one commit. */
#define THREADS 4
/* One thread often keeps up, for its sync was joined with another's; so many
 * tasks that wait for each are worth waking one more. */
#define WAITING 4
#define STACK	65536

struct task {
	struct task *next;
	int fd, error;
	void *thing;
};

struct queue {
	struct task *first, **last;
};

struct syncer {
	struct site *site;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue todo, done;
	int waiting, busy; /* tasks; threads that will look for more */
	int stop;
	pthread_t thread[THREADS];
	int threads;
};

static void
put(struct queue *q, struct task *t)
{
	t->next = NULL;
	if (q->first == NULL)
		q->last = &q->first;
	*q->last = t;
	q->last = &t->next;
}

static struct task *
get(struct queue *q)
{
	struct task *t = q->first;

	if (t != NULL)
		q->first = t->next;
	return t;
}

static void *
work(void *arg)
{
	struct syncer *s = arg;
	struct task *t;
	int woken;

	pthread_mutex_lock(&s->lock);
	s->busy++;
	for (;;) {
		while ((t = get(&s->todo)) == NULL && !s->stop) {
			s->busy--;
			pthread_cond_wait(&s->more, &s->lock);
			s->busy++;
		}
		if (t == NULL)
			break;
		s->waiting--;
		pthread_mutex_unlock(&s->lock);
		t->error = fsync(t->fd) == -1 ? errno : 0;
		pthread_mutex_lock(&s->lock);
		woken = s->done.first != NULL; /* and takes all that is there */
		put(&s->done, t);
		if (!woken)
			call_wake(s->site);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct syncer *
syncer_new(struct site *site)
{
	struct syncer *s = xcalloc(1, sizeof(*s));
	pthread_attr_t attr;
	sigset_t all, old;
	int r = 0;

	s->site = site;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (s->threads < THREADS && r == 0) {
		r = pthread_create(&s->thread[s->threads], &attr, work, s);
		if (r == 0)
			s->threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (s->threads > 0)
		return s;
	msg_warn("no thread can be started: %s", strerror(r));
	syncer_free(s);
	return NULL;
}

void
syncer_free(struct syncer *s)
{
	struct task *t;

	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = 1;
	pthread_cond_broadcast(&s->more);
	pthread_mutex_unlock(&s->lock);
	while (s->threads > 0)
		pthread_join(s->thread[--s->threads], NULL);
	while ((t = get(&s->done)) != NULL)
		free(t);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void
syncer_add(struct syncer *s, int fd, void *thing)
{
	struct task *t = xcalloc(1, sizeof(*t));

	t->fd = fd;
	t->thing = thing;
	pthread_mutex_lock(&s->lock);
	put(&s->todo, t);
	if (++s->waiting > WAITING * s->busy)
		pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
}

void *
syncer_done(struct syncer *s, int *error)
{
	struct task *t;
	void *thing = NULL;

	pthread_mutex_lock(&s->lock);
	t = get(&s->done);
	pthread_mutex_unlock(&s->lock);
	if (t != NULL) {
		thing = t->thing;
		*error = t->error;
		free(t);
	}
	return thing;
}
