import asyncio
import sys

import aiohttp


async def main():
    options = {"timeout": aiohttp.ClientTimeout(total=float(sys.argv[2]))} if len(sys.argv) > 2 else {}
    async with aiohttp.ClientSession(trust_env=True, raise_for_status=True, **options) as session:
        async with session.get(sys.argv[1]) as response:
            print(await response.text())


try:
    asyncio.run(main())
except (aiohttp.ClientError, asyncio.TimeoutError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
