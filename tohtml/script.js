
"use strict";
// The page says all it has to say without this: here are the reader's own
// time zone, a filter for the sessions of a month, and folds that open to print.
for (const when of document.querySelectorAll(".when")) {
	const times = Array.from(when.querySelectorAll("time"), t =>
		new Date(t.dateTime).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" }));
	const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
	if (times.length > 0 && zone !== "UTC") {
		const local = document.createElement("span");
		local.className = "local";
		local.textContent = times.join(" – ") + ", " + zone;
		when.append(local);
	}
}
const filter = document.querySelector("form.filter");
if (filter) {
	const rows = Array.from(document.querySelectorAll(".sessions tbody tr"), row =>
		({ row, text: row.textContent.toLowerCase() }));
	const apply = () => {
		const words = filter.querySelector("[type=search]").value.toLowerCase().split(/\s+/);
		const marks = Array.from(filter.querySelectorAll(":checked"), box => box.value);
		let shown = 0;
		for (const { row, text } of rows) {
			row.hidden = !(words.every(w => text.includes(w)) && marks.every(m => row.className.includes(m)));
			shown += !row.hidden;
		}
		filter.querySelector("output").textContent = shown + " of " + rows.length + " sessions";
	};
	filter.addEventListener("input", apply);
	filter.addEventListener("submit", event => event.preventDefault());
	filter.hidden = false;
	apply();
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(d => { d.open = true; }));
