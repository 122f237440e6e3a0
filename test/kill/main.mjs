// npm run test:kill -- [KILLS [SEED]]: kills servers at every event boundary of every workflow, and at random moments until
// there were so many kills. Prints what came of it by workflow.
import { startVitest } from 'vitest/node'

const [kills = '200', seed] = process.argv.slice(2)
process.env.KILLS = kills
if (seed !== undefined) process.env.SEED = seed
const vitest = await startVitest('test', ['test/kill'], { watch: false, fileParallelism: false })
await vitest.close()
