// A pad to be pointed at: the value is {x, y, names}, x and y from 0 to 1. With two names only x
// counts. `element`, `props` and `trigger` are Gradio's.
const limit = (value) => Math.min(1, Math.max(0, value));
let held = false;

function move(x, y) {
  props.value = { ...props.value, x: limit(x), y: props.value.names.length > 2 ? limit(y) : 0.5 };
  trigger("input");
}

function point(event) {
  const box = element.querySelector(".pad").getBoundingClientRect();
  move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
}

element.addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".pad")) return;
  held = true;
  element.setPointerCapture(event.pointerId);
  point(event);
  event.preventDefault();
});
element.addEventListener("pointermove", (event) => held && point(event));
element.addEventListener("pointerup", () => {
  if (!held) return;
  held = false;
  trigger("release");
});

element.tabIndex = 0;
element.setAttribute("role", "slider");
element.setAttribute("aria-label", "Where between the styles; the arrow keys move it");
element.setAttribute("aria-valuemin", "0");
element.setAttribute("aria-valuemax", "100");
element.addEventListener("keydown", (event) => {
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const way = ways[event.key];
  if (!way) return;
  event.preventDefault();
  move(props.value.x + 0.05 * way[0], props.value.y + 0.05 * way[1]);
  element.setAttribute("aria-valuenow", String(Math.round(100 * props.value.x)));
  trigger("release");
});
