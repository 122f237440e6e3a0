import { expect, test } from 'vitest'
import { listenByPages } from './http-rig.ts'
import { collectLines, serve } from './mcp-rig.ts'

const tool = (name: string): object => ({ name, inputSchema: { type: 'object' } })

/** What each cursor is answered by: names of tools and the next cursor. `first` is asked without a cursor. */
type Pages = Readonly<Record<string, readonly [names: readonly string[], next?: unknown]>>

async function list(
  pages: Pages,
  otherwise: readonly [names: readonly string[], next?: unknown] | 'refused' = 'refused',
) {
  const cursors: (string | undefined)[] = []
  const { url } = await listenByPages(cursor => {
    cursors.push(cursor)
    const page = pages[cursor === undefined ? 'first' : `=${cursor}`] ?? otherwise
    return page === 'refused' ? undefined : { tools: page[0].map(tool), nextCursor: page[1] }
  })
  const logger = collectLines()
  const tools = await serve({ h: { url } }, { logger }).tools()
  return { names: tools.map(({ name }) => name), cursors, lines: logger.lines }
}

const warn = (text: string): string => `warn MCP server \`h\`: ${text}`

test.each<[string, Pages, string[], unknown[], string[]]>([
  ['ends without a cursor', { first: [['a']] }, ['h:a'], [undefined], []],
  ['ends with a null cursor', { first: [['a'], null] }, ['h:a'], [undefined], []],
  ['goes on behind an empty cursor', { first: [['a'], ''], '=': [['b'], null] }, ['h:a', 'h:b'], [undefined, ''], []],
  [
    'goes on behind an empty page',
    { first: [[], 'x'], '=x': [[], ''], '=': [['a']] },
    ['h:a'],
    [undefined, 'x', ''],
    [],
  ],
  [
    'ends where the empty cursor is refused',
    { first: [['a', 'b'], ''] },
    ['h:a', 'h:b'],
    [undefined, ''],
    [warn('returns the cursor `""` and refuses it: the tools listed before are used')],
  ],
  [
    'ends where the empty cursor begins again',
    { first: [['a', 'b'], ''], '=': [['a', 'b'], ''] },
    ['h:a', 'h:b'],
    [undefined, ''],
    [warn('lists the same tools again: its list is used up to there')],
  ],
  [
    'ends where a cursor gives itself',
    { first: [['a'], 'x'], '=x': [['b'], 'x'] },
    ['h:a', 'h:b'],
    [undefined, 'x'],
    [warn('returns the cursor `"x"` (string) again: its list of tools is used up to there')],
  ],
  [
    'ends where an empty cursor gives itself',
    { first: [['a'], ''], '=': [['b'], ''] },
    ['h:a', 'h:b'],
    [undefined, ''],
    [warn('returns the cursor `""` (string) again: its list of tools is used up to there')],
  ],
  [
    'ends where two cursors give each other',
    { first: [['a'], 'x'], '=x': [['b'], 'y'], '=y': [['c'], 'x'] },
    ['h:a', 'h:b', 'h:c'],
    [undefined, 'x', 'y'],
    [warn('returns the cursor `"x"` (string) again: its list of tools is used up to there')],
  ],
  [
    'ends where three cursors come round without a tool',
    { first: [[], 'x'], '=x': [[], 'y'], '=y': [['c'], 'z'], '=z': [[], 'x'] },
    ['h:c'],
    [undefined, 'x', 'y', 'z'],
    [warn('returns the cursor `"x"` (string) again: its list of tools is used up to there')],
  ],
  [
    'ends at a cursor that is no text',
    { first: [['a'], 2] },
    ['h:a'],
    [undefined],
    [warn('returns `2` (number) as `nextCursor`: further tools are unknown')],
  ],
  [
    'tells of tools that are on two pages',
    { first: [['a', 'b'], 'x'], '=x': [['b', 'c']] },
    ['h:a', 'h:b', 'h:c'],
    [undefined, 'x'],
    [warn('lists two tools named `b`; the first is used')],
  ],
])('a list of tools %s', async (_, pages, names, cursors, lines) => {
  expect(await list(pages)).toEqual({ names, cursors, lines })
})

test('a list of tools ends where the server does not look at the cursor', async () => {
  const names = Array.from({ length: 101 }, (_, n) => `tool-${n}`)
  let page = 0
  const next = { toJSON: () => `cursor ${(page += 1)}` }
  expect(await list({}, [names, next])).toEqual({
    names: names.map(name => `h:${name}`),
    cursors: [undefined, 'cursor 1'],
    lines: [warn('lists the same tools again: its list is used up to there')],
  })
})

test('a list of tools with a missing page is not used in part', async () => {
  const { url } = await listenByPages(cursor =>
    cursor === undefined ? { tools: [tool('a')], nextCursor: 'x' } : undefined,
  )
  await expect(serve({ h: { url } }).toolsFor({ tasks: [{ tool: 'h:a' }] })).rejects.toMatchObject({
    message: 'MCP server `h` does not start: MCP error -32602: Invalid cursor',
  })
})
