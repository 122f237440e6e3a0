import { type Command, Option } from 'commander'
import { DEFAULT_PORT } from '../../http/node/serve-bounds.ts'
import {
  parseAmount,
  parseCount,
  parseHosts,
  parseKeepAlive,
  parseOrigins,
  parsePort,
  parsePositiveInteger,
} from '../input/option-values.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { LOG_LEVELS } from '../process/server-log.ts'
import { DEFAULT_STORE } from '../target/default-store.ts'
import {
  cacheAgeOption,
  cacheBytesOption,
  mcpOption,
  retainAgeOption,
  retainCountOption,
  tokenOption,
  toolsOption,
  workflowsOption,
} from './program-options.ts'

/** Adds the command `serve`. @param setCode receives its exit code */
export function addServeCommand(program: Command, context: CommandContext, setCode: (code: ExitCode) => void): void {
  program
    .command('serve')
    .description('Serve executions over HTTP')
    .addOption(
      new Option('--port <port>', 'the port to listen on; 0 for any free one')
        .argParser(parsePort)
        .default(DEFAULT_PORT),
    )
    .option('--host <host>', 'the address to listen on', '127.0.0.1')
    .option('--allow-host <host>', 'a further allowed host name, without port (repeatable)', parseHosts)
    .option('--allow-origin <origin>', 'an origin whose pages may read answers (repeatable)', parseOrigins)
    .addOption(tokenOption())
    .addOption(toolsOption())
    .addOption(mcpOption())
    .addOption(workflowsOption())
    .option('--store <store>', `the file of the store, memory, or postgres://… (default: ${DEFAULT_STORE})`)
    .option(
      '--lease <ms>',
      'of a postgres store: time until a dead server is replaced (default: 10000)',
      parsePositiveInteger,
    )
    .option('--no-work', 'of a postgres store: leave all tasks to workers')
    .option('--tools-wait <ms>', 'of a postgres store: wait for a worker with a tool (default: 300000)', parseCount)
    .option(
      '--max-running-per-owner <n>',
      'of a postgres store: maximum of running tasks of one owner',
      parsePositiveInteger,
    )
    .option('--queue <url>', 'of a postgres store: dispatch tasks by this queue, such as redis://…')
    .addOption(
      new Option('--durability <durability>', 'durability in a power failure (default: "normal")').choices([
        'normal',
        'full',
      ]),
    )
    .addOption(retainAgeOption())
    .addOption(retainCountOption())
    .addOption(cacheAgeOption())
    .addOption(cacheBytesOption())
    .option('--timeout <ms>', 'default and maximum timeout of an execution', parsePositiveInteger)
    .option('--concurrency <n>', 'default and maximum number of concurrent tasks of an execution', parsePositiveInteger)
    .option('--max-executions <n>', 'maximum number of concurrent executions', parsePositiveInteger)
    .option('--max-tokens <n>', 'budget of input and output tokens of an execution', parsePositiveInteger)
    .option('--max-cost <usd>', 'budget of an execution in US dollars', parseAmount)
    .option('--keep-alive <ms>', 'time for which an idle connection is kept open (default: 75000)', parseKeepAlive)
    .addOption(
      new Option('--drain <ms>', 'time for running executions to end at shutdown')
        .argParser(parseCount)
        .default(10_000),
    )
    .option(
      '--plan-grace <ms>',
      'time for which a plan that breaks off waits for its planner (default: 30000)',
      parseCount,
    )
    .option('--plan-silence <ms>', 'silence after which a plan has broken off (default: 120000)', parsePositiveInteger)
    .option('--mcp-server', 'serve the workflows as tools of MCP, at /mcp')
    .option('--otel', 'export traces, as the OTEL_* variables say')
    .option('--no-page', 'do not serve the page at /')
    .addOption(new Option('--log-level <level>', 'minimum level of log lines').choices(LOG_LEVELS).default('info'))
    .action(async options => {
      const { serveCommand } = await import('./serve-command.ts')
      setCode(await serveCommand(options, context))
    })
}
