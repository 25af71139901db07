module example.test/brokenproxy

go 1.23
