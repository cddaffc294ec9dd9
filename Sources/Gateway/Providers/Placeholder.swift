enum PlaceholderProviders {}
