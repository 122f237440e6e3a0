// A chat over a workflow, as a page with `useChat` and as one with AG-UI. Run it, and open the addresses that it prints.
// `PORT` names another port.
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createHandler } from 'dagstream/http'
import { serve } from 'dagstream/http/node'
import { rolldown } from 'rolldown'

/** The body of a request is `$INPUT`: messages of `useChat` have parts, those of AG-UI content. */
interface Message {
  readonly parts?: readonly { readonly text?: string }[]
  readonly content?: string
}

interface Context {
  readonly emitToken: (text: string) => void
  readonly signal: AbortSignal
}

const tools = {
  search: async () => ({ hits: 3 }),
  // In place of a language model; those of docs/llm.md stream in the same way.
  model: async ({ messages }: { messages: readonly Message[] }, { emitToken, signal }: Context) => {
    const { content, parts = [] } = messages.at(-1) ?? {}
    const text = `You said: ${content ?? parts.map(part => part.text ?? '').join('')}`
    for (const word of text.split(/(?= )/)) {
      await sleep(100, undefined, { signal })
      emitToken(word)
    }
    return { text }
  },
}

const chat = {
  tasks: [
    { id: 'search', tool: 'search' },
    { id: 'answer', tool: 'model', arguments: { messages: '$INPUT.messages' }, dependsOn: ['search'] },
  ],
}

/** A page as one module. Any bundler does. */
async function bundle(file: string): Promise<string> {
  const build = await rolldown({
    input: fileURLToPath(new URL(file, import.meta.url)),
    platform: 'browser',
    logLevel: 'silent',
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  })
  const { output } = await build.generate({ format: 'esm' })
  return output[0].code
}

/** Pages by path, beside the routes: of the same origin. */
async function createPages(): Promise<(path: string) => Response | undefined> {
  const scripts = { '/chat': await bundle('chat-page.tsx'), '/ag-ui': await bundle('ag-ui-page.ts') }
  const answers = new Map(
    Object.entries(scripts).flatMap(([path, code]) => [
      [
        path,
        [`<!doctype html><meta charset="utf-8"><body><script type="module" src="${path}.js"></script>`, 'text/html'],
      ],
      [`${path}.js`, [code, 'text/javascript']],
    ]),
  )
  return path => {
    const [body, type] = answers.get(path) ?? []
    return type === undefined
      ? undefined
      : new Response(body, { headers: { 'Content-Type': `${type}; charset=utf-8` } })
  }
}

export const findPage = await createPages()
const handler = createHandler({ tools, workflows: { chat } })
const fetch = async (request: Request): Promise<Response> =>
  findPage(new URL(request.url).pathname) ?? handler.fetch(request)
export const server = await serve({ fetch, close: handler.close }, { port: Number(process.env['PORT'] ?? 8321) })
console.log(`Open ${server.url}/chat or ${server.url}/ag-ui`)
