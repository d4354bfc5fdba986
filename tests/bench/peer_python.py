"""The peer concurrent.futures: ProcessPoolExecutor(2). Prints map, map with chunks, and one call."""
import concurrent.futures
import sys
import time


def noop(value):
    return value


def main():
    seconds = float(sys.argv[1])
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(noop, range(100)))
        count, start = 0, time.monotonic()
        while time.monotonic() - start < seconds:
            list(pool.map(noop, range(2000)))
            count += 2000
        print("map", round(count / (time.monotonic() - start)))
        count, start = 0, time.monotonic()
        while time.monotonic() - start < seconds:
            list(pool.map(noop, range(200000), chunksize=1000))
            count += 200000
        print("chunks", round(count / (time.monotonic() - start)))
        times, start = [], time.monotonic()
        while time.monotonic() - start < seconds:
            begin = time.perf_counter()
            pool.submit(noop, 1).result()
            times.append(time.perf_counter() - begin)
        print("alone", round(sorted(times)[len(times) // 2] * 1e6, 2))


main()
