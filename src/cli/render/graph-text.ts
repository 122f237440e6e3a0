/** A task in a drawing. */
export interface GraphTask {
  readonly id: string
  readonly tool: string
  /** Ids of its dependencies, explicit and by reference, each once. */
  readonly dependencies: readonly string[]
}

/** Output format of a graph. */
export type GraphFormat = 'mermaid' | 'dot'

/** Renders a workflow as Mermaid or DOT source: a box per task, an arrow from each dependency to its dependent. */
export function renderGraph(tasks: readonly GraphTask[], format: GraphFormat): string {
  return format === 'mermaid' ? renderMermaid(tasks) : renderDot(tasks)
}

/**
 * Boxes are named by number: a Mermaid name may not be a keyword, nor start with one, and cannot be quoted.
 * Any text can stand in a quoted label.
 */
function renderMermaid(tasks: readonly GraphTask[]): string {
  const names = new Map(tasks.map(({ id }, index) => [id, `t${index}`]))
  const boxes = tasks.map(({ id, tool }) => `  ${names.get(id)}["${toMermaidText(id)}<br/>${toMermaidText(tool)}"]`)
  const arrows = tasks.flatMap(({ id, dependencies }) =>
    dependencies.map(dependency => `  ${names.get(dependency)} --> ${names.get(id)}`),
  )
  return `${['flowchart TD', ...boxes, ...arrows].join('\n')}\n`
}

function renderDot(tasks: readonly GraphTask[]): string {
  const boxes = tasks.map(({ id, tool }) => `  ${quoteDot(id)} [label="${toDotLabel(id)}\\n${toDotLabel(tool)}"]`)
  const arrows = tasks.flatMap(({ id, dependencies }) =>
    dependencies.map(dependency => `  ${quoteDot(dependency)} -> ${quoteDot(id)}`),
  )
  return `${['digraph workflow {', '  node [shape=box]', ...boxes, ...arrows, '}'].join('\n')}\n`
}

/** Keeps letters, digits and safe characters, encodes all others as Mermaid's `#code;`. */
function toMermaidText(text: string): string {
  // Mermaid removes a `;` from any line that contains `style…:…#…;`, but not without the colon.
  const safe = /style|classDef/i.test(text) ? /[^\p{L}\p{M}\p{N} _./-]/gu : /[^\p{L}\p{M}\p{N} _.:/-]/gu
  return text.replace(safe, character => `#${character.codePointAt(0)};`)
}

/** A DOT name: inside quotes only a quote is escaped, but a last backslash would escape the closing one. */
function quoteDot(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** A DOT label: backslashes start escapes there, and HTML entities are read. */
function toDotLabel(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('\\', '\\\\').replaceAll('"', '\\"')
}
