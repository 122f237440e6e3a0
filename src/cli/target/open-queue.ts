import type { Dispatcher } from '../../cluster/order.ts'
import type { Logger } from '../../log/logger.ts'
import { type CliProcess, UsageError } from '../process/console.ts'

/** The variable that `redis-cli` takes a password from, too. */
const PASSWORD = 'REDISCLI_AUTH'

/**
 * Opens the queue of a URL; its password may be in the environment. The caller closes it. @throws UsageError for a URL of another
 * kind; `MISSING_PACKAGE`
 */
export async function openQueue(
  url: string,
  { openQueue: open = openBullmq, env }: Pick<CliProcess, 'openQueue' | 'env'>,
  logger: Logger,
): Promise<Dispatcher> {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError('Expected --queue to be redis://… or rediss://…: tasks travel by BullMQ')
  }
  const address = new URL(url)
  const password = env[PASSWORD]
  if (address.password === '' && password !== undefined && password !== '') address.password = password
  return await open(address.href, logger)
}

async function openBullmq(url: string, logger: Logger): Promise<Dispatcher> {
  const { openBullmqDispatcher } = await import('../../dispatch/bullmq/open-dispatcher.ts')
  return openBullmqDispatcher(url, { logger })
}
