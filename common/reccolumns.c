/* Which column stands where in a record stream: see reccolumns.h. */
#include "reccolumns.h"
#include "utf8.h"

void
columns_reset(struct columns *k)
{
	memset(k->declared, 0, sizeof(k->declared));
	buf_reset(&k->others);
	k->other_n = 0;
}

void
columns_free(struct columns *k)
{
	buf_free(&k->others);
}

static int
find_other(const struct columns *k, struct rec_value name)
{
	int i;

	for (i = 0; i < k->other_n; i++)
		if (k->other[i].n == name.n &&
		    memcmp(k->others.p + k->other[i].name, name.p, name.n) == 0)
			return i;
	return -1;
}

static int
find(struct rec_value name)
{
	int t;

	for (t = 0; t < TABLES; t++)
		if (name.n == table_list[t].name_n &&
		    memcmp(name.p, table_list[t].name, name.n) == 0)
			break;
	return t;
}

int
columns_add(struct columns *k, const char *line, size_t length)
{
	struct rec_value field[FIELD_MAX];
	int n = field_split(line, length, field), t, c, f, g;

	if (n < 3 || n > FIELD_MAX || utf8_valid(line, length) != length)
		return -1;
	for (f = 1; f < n; f++) {
		if (field[f].n == 0 || memchr(field[f].p, '\\', field[f].n) != NULL)
			return -1;
		for (g = 2; g < f; g++)
			if (field_same(field[f], field[g]))
				return -1;
	}
	t = find(field[1]);
	if (t == TABLES) {
		/* Of a later version: its rows are checked and passed over. */
		if (k->other_n == COLUMNS_MAX_OTHERS || find_other(k, field[1]) != -1)
			return -1;
		k->other[k->other_n].name = k->others.n;
		k->other[k->other_n].n = field[1].n;
		k->other[k->other_n++].columns = n - 2;
		buf_add(&k->others, field[1].p, field[1].n);
		return t;
	}
	if (k->declared[t])
		return -1;
	k->declared[t] = 1;
	k->columns[t] = n - 2;
	for (c = 0; c < table_list[t].columns; c++) {
		k->field[t][c] = -1;
		for (f = 2; f < n; f++)
			if (field_is(field[f], table_list[t].column[c].name))
				k->field[t][c] = f;
	}
	return t;
}

int
columns_table(const struct columns *k, struct rec_value name, int *columns)
{
	int t = find(name), i;

	if (t == TABLES) {
		i = find_other(k, name);
		*columns = i == -1 ? 0 : k->other[i].columns;
		return i == -1 ? -1 : TABLES;
	}
	*columns = k->columns[t];
	return k->declared[t] ? t : -1;
}

const char *
columns_name(const struct columns *k, int t, int f)
{
	int c;

	for (c = 0; t < TABLES && c < table_list[t].columns; c++)
		if (k->field[t][c] == f)
			return table_list[t].column[c].name;
	return "(a later version's column)";
}
