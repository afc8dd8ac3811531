// A press on a heading sorts the table's rows by that column: up, then down, then back to the page's own order.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const own = [...body.rows];
  const headings = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const text = (row, column) => row.cells[column].textContent.trim();
  const numeric = (said) => parseFloat(said.replace("\u2212", "-").replace(/[\u202f,]/g, ""));

  const order = (column, sign) => (a, b) => {
    const [left, right] = [text(a, column), text(b, column)];
    if (column === 0) return sign * left.localeCompare(right, "en", { numeric: true });
    const [low, high] = [numeric(left), numeric(right)];
    if (isNaN(low) || isNaN(high)) return isNaN(low) - isNaN(high);
    return sign * (low - high);
  };
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[heading.getAttribute("aria-sort")];
      const sense = next === undefined ? "ascending" : next;
      for (const other of headings) other.removeAttribute("aria-sort");
      if (sense) heading.setAttribute("aria-sort", sense);
      body.append(...(sense ? [...own].sort(order(column, sense === "ascending" ? 1 : -1)) : own));
    });
  });
}
