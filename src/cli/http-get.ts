import { GET_SCHEMA } from '../tools/http/http-request.ts'
import type { Tool } from '../tools/tool.ts'

let opened: Promise<Tool> | undefined

/**
 * `http:get` of `dagstream/tools/http` with its defaults: public addresses alone. The client behind it, which takes longer to
 * load than most commands take in all, is loaded by the first call.
 */
export const httpGetTool: Tool = {
  name: 'http:get',
  description: 'Gets a URL. Gives { status, headers, body, bodyType }, the body as JSON, text or base64.',
  inputSchema: GET_SCHEMA,
  readOnly: true,
  retry: { maxAttempts: 3 },
  execute: async (args, context) => (await (opened ??= openTool())).execute(args, context),
}

async function openTool(): Promise<Tool> {
  const { httpTools } = await import('../tools/http/http-tools.ts')
  return httpTools().find(({ name }) => name === httpGetTool.name) as Tool
}
