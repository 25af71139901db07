module get

go 1.23
