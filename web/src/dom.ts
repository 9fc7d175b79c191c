// Small helpers around the DOM: the page has no framework.

export function $<T extends Element = HTMLElement>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`the page lacks ${selector}`);
  return found;
}

type Attributes = Record<string, string | number | boolean | undefined>;

function dress(element: Element, attributes: Attributes, children: (Node | string)[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  dress(element, attributes, children);
  return element;
}

export function draw<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  dress(element, attributes, children);
  return element;
}

// Okabe and Ito's colours, apart also for the colour-blind; dark enough on both grounds.
const MARKS = ["#0072b2", "#d55e00", "#009e73", "#b4539a", "#b8860b", "#3f8fc4", "#8a6a4f", "#6a6fbf"];
export const mark = (index: number): string => MARKS[index % MARKS.length] ?? "#0072b2";
