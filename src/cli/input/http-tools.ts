import { defineHttpTools } from '../../integrations/http/define-tools.ts'
import { type HttpToolsOptions, resolveHttpOptions } from '../../integrations/http/http-options.ts'
import type { Tool } from '../../tools/tool.ts'

/**
 * `http:get` and `http:request` of `dagstream/tools/http`; without options, which allow-list the targets, only `http:get`. The
 * HTTP client, which takes longer to load than most commands run, is loaded by the first call.
 * @throws `INVALID_OPTION`
 */
export function createHttpTools(options?: HttpToolsOptions): Tool[] {
  let opened: Promise<readonly Tool[]> | undefined
  const open = async (): Promise<readonly Tool[]> => {
    const { httpTools } = await import('../../integrations/http/http-tools.ts')
    return httpTools(options)
  }
  const call =
    (index: number): Tool['execute'] =>
    async (args, context) => {
      const tools = await (opened ??= open())
      return tools[index]?.execute(args, context)
    }
  const defined = defineHttpTools(resolveHttpOptions(options), options ?? {}, () => undefined)
  const tools = defined.map((tool, index) => ({ ...tool, execute: call(index) }))
  return options === undefined ? tools.slice(0, 1) : tools
}
