// npm run test:machines -- [KILLS [SEED [MINUTES]]]: strikes two servers, three workers and their database at event boundaries and
// at random moments until there were so many kills, or so many minutes have passed. Prints every fault with its case.
import { startVitest } from 'vitest/node'

const [kills = '300', seed, minutes] = process.argv.slice(2)
process.env.KILLS = kills
if (seed !== undefined) process.env.SEED = seed
if (minutes !== undefined) process.env.MINUTES = minutes
const vitest = await startVitest('test', ['test/machines'], { watch: false, fileParallelism: false })
await vitest.close()
