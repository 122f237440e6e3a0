/** A task in a drawing. */
export interface GraphTask {
  /** Unique in the drawing. */
  readonly id: string
  /** Shown instead of the id. */
  readonly name?: string
  readonly tool?: string
  /** Further lines of its label, such as its condition. */
  readonly notes?: readonly string[]
  /** Ids of the tasks beside it that it depends on, explicitly or by reference, each once. */
  readonly dependencies: readonly string[]
  /** Whether it runs only under a condition: its arrows are dashed. */
  readonly isConditional?: boolean
  /** Of a task that runs others: these, drawn inside it. */
  readonly tasks?: readonly GraphTask[]
}

/** Output format of a graph. */
export type GraphFormat = 'mermaid' | 'dot'

/** How a format writes the parts of a drawing. */
interface Notation {
  head(hasGroups: boolean): readonly string[]
  readonly tail: readonly string[]
  box(task: GraphTask, number: number): string
  group(task: GraphTask, number: number): string
  readonly groupEnd: string
  arrow(from: Drawn, to: Drawn, isDashed: boolean): string
}

/** A task as it is drawn. */
interface Drawn {
  readonly task: GraphTask
  readonly number: number
  readonly isGroup: boolean
  /** Its first and its last box: itself, unless it is a group. */
  readonly first: GraphTask
  readonly last: GraphTask
}

/**
 * Renders a workflow as Mermaid or DOT source: a box per task, a frame around the tasks of a group, an arrow from each
 * dependency to its dependent.
 */
export function renderGraph(tasks: readonly GraphTask[], format: GraphFormat): string {
  const notation = format === 'mermaid' ? MERMAID : DOT
  const boxes: string[] = []
  const arrows: string[] = []
  let count = 0
  let hasGroups = false
  const draw = (task: GraphTask, indent: string): Drawn => {
    const number = count
    count += 1
    if (task.tasks === undefined || task.tasks.length === 0) {
      boxes.push(indent + notation.box(task, number))
      return { task, number, isGroup: false, first: task, last: task }
    }
    hasGroups = true
    boxes.push(indent + notation.group(task, number))
    const drawn = drawAll(task.tasks, `${indent}  `)
    boxes.push(indent + notation.groupEnd)
    return { task, number, isGroup: true, first: (drawn[0] as Drawn).first, last: (drawn.at(-1) as Drawn).last }
  }
  const drawAll = (siblings: readonly GraphTask[], indent: string): Drawn[] => {
    const drawn = siblings.map(task => draw(task, indent))
    const byId = new Map(drawn.map(each => [each.task.id, each]))
    for (const to of drawn) {
      for (const dependency of to.task.dependencies) {
        const from = byId.get(dependency)
        if (from) arrows.push(`  ${notation.arrow(from, to, to.task.isConditional === true)}`)
      }
    }
    return drawn
  }
  drawAll(tasks, '  ')
  return `${[...notation.head(hasGroups), ...boxes, ...arrows, ...notation.tail].join('\n')}\n`
}

/** The lines of a label. */
function describe({ id, name = id, tool, notes = [] }: GraphTask): string[] {
  return [name, ...(tool === undefined ? [] : [tool]), ...notes]
}

/**
 * Boxes are named by number: a Mermaid name may not be a keyword, nor start with one, and cannot be quoted.
 * Any text can stand in a quoted label.
 */
const MERMAID: Notation = {
  head: () => ['flowchart TD'],
  tail: [],
  box: (task, number) => `t${number}["${describe(task).map(toMermaidText).join('<br/>')}"]`,
  group: (task, number) => `subgraph t${number}["${describe(task).map(toMermaidText).join(' · ')}"]`,
  groupEnd: 'end',
  arrow: (from, to, isDashed) => `t${from.number} ${isDashed ? '-.->' : '-->'} t${to.number}`,
}

/** An arrow of DOT joins boxes; `lhead` and `ltail` cut it at the frame of a group. */
const DOT: Notation = {
  head: hasGroups => ['digraph workflow {', ...(hasGroups ? ['  compound=true'] : []), '  node [shape=box]'],
  tail: ['}'],
  box: task => `${quoteDot(task.id)} [label="${describe(task).map(toDotLabel).join('\\n')}"]`,
  group: (task, number) => `subgraph cluster_${number} { label="${describe(task).map(toDotLabel).join(' · ')}"`,
  groupEnd: '}',
  arrow: (from, to, isDashed) => {
    const attributes = [
      ...(isDashed ? ['style=dashed'] : []),
      ...(from.isGroup ? [`ltail=cluster_${from.number}`] : []),
      ...(to.isGroup ? [`lhead=cluster_${to.number}`] : []),
    ]
    const list = attributes.length === 0 ? '' : ` [${attributes.join(' ')}]`
    return `${quoteDot(from.last.id)} -> ${quoteDot(to.first.id)}${list}`
  },
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
